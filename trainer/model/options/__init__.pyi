from .choice import ChoiceHead as ChoiceHead
