from .html import report_to_page as report_to_page
from .run_record import name_runs as name_runs
from .text import compare_runs as compare_runs
from .text import gate_table as gate_table
from .text import report_run as report_run
from .text import report_runs as report_runs
