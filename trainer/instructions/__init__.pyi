from .prompts import read_instructions as read_instructions
