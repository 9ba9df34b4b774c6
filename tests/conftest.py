"""Settings for every test."""

from hypothesis import settings

# A busy machine is no failed property: the tests bound time by their own clock.
settings.register_profile("callboard", deadline=None)
settings.load_profile("callboard")

pytest_plugins = ["tests.servers.fixtures"]
