from .tables import Documents as Documents
from .tables import page_of as page_of
