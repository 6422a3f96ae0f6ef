from .app import make_app as make_app
from .cli import add_serve_command as add_serve_command
