from .api import samples_api_router as samples_api_router
from .pages import samples_router as samples_router
from .pictures import sample_pictures_router as sample_pictures_router
