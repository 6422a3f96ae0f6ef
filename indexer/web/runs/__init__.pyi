from .api import runs_api_router as runs_api_router
from .pages import runs_router as runs_router
