from .guarded import Failure as Failure
from .guarded import GuardedFunction as GuardedFunction
