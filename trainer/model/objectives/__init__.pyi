from .objective import Objective as Objective
from .objective import Views as Views
from .settings import ObjectiveSettings as ObjectiveSettings
