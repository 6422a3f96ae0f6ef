from .choice import check_rules as check_rules
from .choice import choose_region as choose_region
from .choice import mix_groundings as mix_groundings
from .settings import RegionSettings as RegionSettings
