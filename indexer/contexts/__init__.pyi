from .cli import TitleBoost as TitleBoost
from .cli import add_context_commands as add_context_commands
from .imported import import_captions as import_captions
from .imported import import_columns as import_columns
from .retrieve import RetrievalSettings as RetrievalSettings
from .retrieve import retrieve_contexts as retrieve_contexts
from .sample_pictures import images_digest as images_digest
