"""What Keras has and `service.nn` has not: a name that may be imported, and raises `Absent` when it is used."""


class Absent(Exception):
    """The test asks for something that service.nn does not offer."""


class Missing:
    """Stands for a missing name; any use raises Absent."""

    def __init__(self, name):
        self._name = name

    def __call__(self, *args, **kwargs):
        raise Absent(self._name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self._name}.{name}")

    def __mro_entries__(self, bases):
        missing = self._name

        class Base:
            def __init__(self, *args, **kwargs):
                raise Absent(missing)

            def __init_subclass__(cls, **kwargs):
                pass

        return (Base,)

    def __iter__(self):
        raise Absent(self._name)

    def __bool__(self):
        return False

    def __enter__(self):
        raise Absent(self._name)

    def __exit__(self, *a):
        return False

    def __getitem__(self, k):
        raise Absent(self._name)


SOFT_MISSING = {"skip_if_backend", "named_product"}
