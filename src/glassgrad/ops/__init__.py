"""Every op with the public function that applies it, by family. Each family says what is public in its `__all__`."""

from . import linalg as linalg
from .activation import *
from .arithmetic import *
from .compare import *
from .contract import *
from .create import *
from .exponential import *
from .function import *
from .index import *
from .reduce import *
from .shape import *
from .sorting import *
from .trigonometric import *
