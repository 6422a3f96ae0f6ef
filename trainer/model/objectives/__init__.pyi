from .objective import Objective as Objective
from .objective import Views as Views
from .objective import mean_state as mean_state
from .prompt import SoftPrompt as SoftPrompt
from .settings import ObjectiveSettings as ObjectiveSettings
from .settings import SelfDistilSettings as SelfDistilSettings
from .settings import TwoViewSettings as TwoViewSettings
from .two_view import posterior_divergence as posterior_divergence
