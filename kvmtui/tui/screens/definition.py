from textual.screen import Screen


class DefinitionScreen(Screen):
    def __init__(self, fleet, name):
        super().__init__()
