from .guarded import GuardedParser as GuardedParser
