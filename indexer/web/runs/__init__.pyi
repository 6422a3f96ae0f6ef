from .models import RunDetail as RunDetail
from .models import RunLine as RunLine
from .views import run_detail as run_detail
from .views import run_lines as run_lines
