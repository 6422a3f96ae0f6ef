from .commands import generation_commands as generation_commands
