"`python -m lowlight_nb` is the command `lowlight`, for where that is not on the path."
import sys
from lowlight_nb.cli import main

sys.exit(main())
