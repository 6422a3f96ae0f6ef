from .models import FaultRow as FaultRow
from .views import fault_row as fault_row
