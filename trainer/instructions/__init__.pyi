from .prompts import Instructions as Instructions
from .prompts import read_instructions as read_instructions
