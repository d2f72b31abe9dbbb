class _Record:
    def __init__(self, facts):
        for name, value in facts.items():
            setattr(self, name, value)


class Group:
    def __init__(self, facts):
        for name, value in facts.items():
            setattr(self, name, value)

    def __str__(self):
        return self.name

    def __repr__(self):
        return "<Group: " + self.name + ">"


class User:
    def __init__(self, facts, groups):
        for name, value in facts.items():
            setattr(self, name, value)
        self.ak_groups = groups
        self.groups = groups
        self.is_superuser = any([group.is_superuser for group in groups])

    def all_groups(self):
        return list(self.ak_groups)

    def group_attributes(self, request=None):
        merged = {}
        for group in self.ak_groups:
            _ak_merge(merged, group.attributes)
        _ak_merge(merged, self.attributes)
        return merged

    def __str__(self):
        return self.username

    def __repr__(self):
        return "<User: " + self.username + ">"


class _Logger:
    def _say(self, *words, **facts):
        return None

    debug = _say
    info = _say
    warning = _say
    error = _say
    critical = _say
    exception = _say


def _ak_merge(into, other):
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            into[name] = dict(into[name])
            _ak_merge(into[name], value)
        elif isinstance(value, list) and isinstance(into.get(name), list):
            into[name] = into[name] + value
        else:
            into[name] = value


def _ak_query(found, method, *args, **lookups):
    if not isinstance(found, list):
        return getattr(found, method)(*args, **lookups)
    if method == "all" or method == "distinct":
        return list(found)
    if method == "filter":
        return [one for one in found if _ak_matches(one, lookups)]
    if method == "exclude":
        return [one for one in found if not _ak_matches(one, lookups)]
    if method == "exists":
        return len(found) > 0
    if method == "count":
        return len(found)
    if method == "first":
        return found[0] if found else None
    if method == "last":
        return found[-1] if found else None
    if method == "order_by":
        ordered = list(found)
        for field in reversed(args):
            ordered = sorted(ordered, key=lambda one: _ak_field(one, field.lstrip("-")), reverse=field.startswith("-"))
        return ordered
    if method == "values_list":
        if lookups.get("flat"):
            return [_ak_field(one, args[0]) for one in found]
        return [tuple([_ak_field(one, field) for field in args]) for one in found]
    if method == "get":
        found = [one for one in found if _ak_matches(one, lookups)]
        if len(found) != 1:
            raise LookupError("get() found " + str(len(found)) + " objects, and must find one")
        return found[0]
    raise AttributeError("lists have no method " + method)


def _ak_field(one, path):
    value = one
    for name in path.split("__"):
        value = value.get(name) if isinstance(value, dict) else getattr(value, name)
    return value


def _ak_matches(one, lookups):
    for lookup, wanted in lookups.items():
        path, _, how = lookup.rpartition("__")
        if how not in _ak_lookups:
            path, how = lookup, "exact"
        if not _ak_lookups[how](_ak_field(one, path), wanted):
            return False
    return True


def _ak_regex(flags):
    import re

    return lambda value, wanted: re.search(wanted, str(value), flags) is not None


_ak_lookups = {
    "exact": lambda value, wanted: value == wanted,
    "iexact": lambda value, wanted: str(value).lower() == str(wanted).lower(),
    "contains": lambda value, wanted: wanted in value,
    "icontains": lambda value, wanted: str(wanted).lower() in str(value).lower(),
    "startswith": lambda value, wanted: str(value).startswith(wanted),
    "istartswith": lambda value, wanted: str(value).lower().startswith(wanted.lower()),
    "endswith": lambda value, wanted: str(value).endswith(wanted),
    "iendswith": lambda value, wanted: str(value).lower().endswith(wanted.lower()),
    "in": lambda value, wanted: value in wanted,
    "isnull": lambda value, wanted: (value is None) == wanted,
    "regex": lambda value, wanted: _ak_regex(0)(value, wanted),
    "iregex": lambda value, wanted: _ak_regex(2)(value, wanted),
}


def regex_match(value, regex):
    import re

    return re.search(regex, value) is not None


def regex_replace(value, regex, repl):
    import re

    return re.sub(regex, repl, value)


def list_flatten(value):
    if isinstance(value, (list, tuple, set)):
        return next(iter(value), None)
    return value


def ak_is_group_member(user, **group_filters):
    return len(_ak_query(user.all_groups(), "filter", **group_filters)) > 0


def slugify(text):
    import re

    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", str(text).lower())).strip("-_")


ak_logger = _Logger()
_ak_groups = [Group(facts) for facts in _ak_facts["groups"]]
user = User(_ak_facts["user"], _ak_groups)
request = _Record(_ak_facts["request"])
request.user = user
provider = _Record(_ak_facts["provider"])


def _ak_second(first, second):
    return second


def _ak_told(value):
    if value is None:
        return False, None
    if not isinstance(value, (str, bytes, dict)):
        try:
            several = iter(value)
        except TypeError:
            several = None
        if several is not None:
            told = [str(one) for one in several if one is not None]
            return len(told) > 0, told
    return bool(value), [str(value)]


_ak_yielded = []
