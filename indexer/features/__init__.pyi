from .cli import add_feature_commands as add_feature_commands
