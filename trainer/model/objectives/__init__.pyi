from .objective import Objective as Objective
from .objective import Views as Views
from .settings import ObjectiveSettings as ObjectiveSettings
from .settings import TwoViewSettings as TwoViewSettings
from .two_view import posterior_divergence as posterior_divergence
