"The command `lowlight`, also as `python -m lowlight_nb`, for where that is not on the path."
import sys

def main():
    "The command of `lowlight_nb.cli`; Ctrl-C while that is imported is a sentence, too."
    try:
        from lowlight_nb.cli import main as run
        return run()
    except KeyboardInterrupt:
        print('Interrupted.', file=sys.stderr)
        return 130

if __name__ == '__main__': sys.exit(main())
