"""Every op with the public function that applies it, by family. Each family says what is public in its `__all__`."""

from types import ModuleType as _ModuleType

from .activation import *
from .arithmetic import *
from .bitwise import *
from .compare import *
from .complex_numbers import *
from .contract import *
from .convolve import *
from .create import *
from .cumulative import *
from .data_types import *
from .einstein import *
from .exponential import *
from .function import *
from .index import *
from .joining import *
from .pool import *
from .reduce import *
from .repeating import *
from .resample import *
from .rounding import *
from .scattering import *
from .searching import *
from .sets import *
from .shape import *
from .signs import *
from .sorting import *
from .special_functions import *
from .statistics import *
from .trigonometric import *
from .windows import *

# The functions, and not the modules that hold them. Set behind the back of type checkers, which cannot read a computed
# list, and without one take every name here as public.
_families = [value for value in list(vars().values()) if isinstance(value, _ModuleType)]
globals()["__all__"] = [name for family in _families for name in getattr(family, "__all__", ())]
