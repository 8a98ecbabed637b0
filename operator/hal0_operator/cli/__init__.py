"""The command ``hal0ctl``: one module per verb, loaded when its verb is used."""
