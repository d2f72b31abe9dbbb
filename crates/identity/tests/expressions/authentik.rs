//! What administrators write for authentik: its managed mappings, and what its documentation shows.

use super::{expressions, failure, outcome, values};

fn told(values: &[&str]) -> Option<Vec<String>> {
    Some(values.iter().map(|value| (*value).to_owned()).collect())
}

#[tokio::test]
async fn the_managed_mappings_run_as_they_are() {
    let expressions = expressions();
    for (text, expected) in [
        ("return user.attributes.get('upn', user.email)", told(&["ann@example.com"])),
        ("return user.name", told(&["Ann Example"])),
        ("return user.email", told(&["ann@example.com"])),
        ("return user.username", told(&["ann"])),
        ("return user.pk", told(&["5f0c"])),
        ("return user.uid", told(&["ab12"])),
        ("for group in user.ak_groups.all():\n    yield group.name", told(&["Night shift", "Staff"])),
        ("for group in request.user.groups.all():\n    yield group.name\n", told(&["Night shift", "Staff"])),
    ] {
        assert_eq!(values(&expressions, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn what_the_documentation_shows_runs() {
    let expressions = expressions();
    for (text, expected) in [
        // Given name and surname.
        ("return user.name.split(' ', 1)[0]", told(&["Ann"])),
        ("return user.name.rsplit(' ', 1)[-1]", told(&["Example"])),
        // Groups, some of them, as lists, joined, by query.
        ("return [group.name for group in user.ak_groups.all()]", told(&["Night shift", "Staff"])),
        ("return ';'.join([g.name for g in user.ak_groups.all()])", told(&["Night shift;Staff"])),
        ("return user.ak_groups.filter(name__startswith='Night').exists()", told(&["True"])),
        ("return user.ak_groups.exclude(name__in=['Staff']).count()", told(&["1"])),
        (
            "return list(user.ak_groups.order_by('-name').values_list('name', flat=True))",
            told(&["Staff", "Night shift"]),
        ),
        ("return user.ak_groups.filter(name__icontains='STAFF').first().name", told(&["Staff"])),
        ("return user.ak_groups.get(name='Staff').pk", told(&["g2"])),
        ("return len(user.ak_groups.all()), user.ak_groups.all()[0]", told(&["2", "Night shift"])),
        ("return sorted({g.name for g in user.all_groups()})", told(&["Night shift", "Staff"])),
        ("if user.ak_groups.filter(name='Nobody'):\n  return 'a'\nelse:\n  return 'b'", told(&["b"])),
        // authentik's own functions.
        ("return ak_is_group_member(user, name='Staff')", told(&["True"])),
        ("return ak_is_group_member(request.user, name='Admins')", told(&["False"])),
        ("return regex_match(user.email, r'@example\\.com$')", told(&["True"])),
        ("return regex_replace(user.email, '@.*', '')", told(&["ann"])),
        ("return list_flatten(user.attributes['phones'])", told(&["1"])),
        (
            "ak_logger.info('hello', user=user)\nreturn slugify('Ünder The Bridge!')",
            told(&["ünder-the-bridge"]),
        ),
        (
            "return user.group_attributes()['floor'], user.group_attributes(request).get('department')",
            told(&["2", "Care"]),
        ),
        ("return user.attributes.get('nested', {}).get('a', {}).get('b')", told(&["deep"])),
        ("return provider.name", told(&["Payroll"])),
        // Roles by group, as for AWS.
        (
            "roles = {'Staff': 'arn:staff', 'Admins': 'arn:admin'}\nfor group in user.ak_groups.all():\n    \
             if group.name in roles:\n        yield f\"{roles[group.name]},{user.username}\"",
            told(&["arn:staff,ann"]),
        ),
        // Python.
        ("import re\nreturn re.sub(r'\\W', '', user.name).lower()", told(&["annexample"])),
        (
            "from datetime import datetime\nreturn datetime.now().year, datetime.now().isoformat()",
            told(&["2026", "2026-11-24T12:00:00"]),
        ),
        ("import json\nreturn json.dumps({'a': [1, None]})", told(&["{\"a\": [1, null]}"])),
        (
            "try:\n    return user.attributes['x']\nexcept KeyError as error:\n    return str(error)",
            told(&["'x'"]),
        ),
        ("def twice(x):\n    yield x\n    yield x * 2\n\nyield from twice(4)\nreturn", told(&["4", "8"])),
    ] {
        assert_eq!(values(&expressions, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn values_are_written_as_python_writes_them() {
    let expressions = expressions();
    for (text, expected) in [
        ("return None", None),
        ("pass", None),
        ("user.email", None),
        ("return ''", told(&[""])),
        ("return []", told(&[])),
        (
            "return [1, None, 2.0, True, 'x', 1e20, 10**30]",
            told(&["1", "2.0", "True", "x", "1e+20", &format!("1{}", "0".repeat(30))]),
        ),
        ("return (1, 'a')", told(&["1", "a"])),
        ("return {3}", told(&["3"])),
        ("return {'a': None}", told(&["{'a': None}"])),
        ("return b'x'", told(&["b'x'"])),
        ("return [['a', 'b'], user]", told(&["['a', 'b']", "ann"])),
        ("return (x for x in 'ab')", told(&["a", "b"])),
        ("return map(lambda x: x.upper(), 'ab')", told(&["A", "B"])),
        ("return user.attributes.keys()", told(&["department", "level", "nested", "phones"])),
        ("yield 1\nyield None\nyield 'x'", told(&["1", "x"])),
        ("if False:\n  yield 1", told(&[])),
        ("return user.attributes['level']", told(&["3"])),
        ("text = \"\"\"a\n  b\"\"\"\nreturn text", told(&["a\n  b"])),
    ] {
        assert_eq!(values(&expressions, text).await, expected, "{text}");
    }
    for (text, truthy) in [
        ("return 0", false),
        ("return ''", false),
        ("return []", false),
        ("return 'no'", true),
        ("pass", false),
    ] {
        assert_eq!(outcome(&expressions, text).await.unwrap().truthy, truthy, "{text}");
    }
}

#[tokio::test]
async fn failures_name_the_line_and_events_hold_no_values() {
    let expressions = expressions();
    for (text, sentence, for_events) in [
        (
            "x = user.name\n\nreturn user.nmae",
            "Line 3: AttributeError: 'User' object has no attribute 'nmae'.",
            "Line 3: AttributeError: 'User' object has no attribute 'nmae'.",
        ),
        (
            "def f(x):\n    return int(x)\nreturn f(user.name)",
            "Line 2: ValueError: invalid literal for int() with base 10: 'Ann Example'.",
            "Line 2: ValueError.",
        ),
        ("return user.attributes['Ann']", "Line 1: KeyError: Ann.", "Line 1: KeyError."),
        (
            "for x in [1]:\n  yield 1 / 0",
            "Line 2: ZeroDivisionError: division by zero.",
            "Line 2: ZeroDivisionError.",
        ),
        ("raise ValueError(user.email)", "Line 1: ValueError: ann@example.com.", "Line 1: ValueError."),
        (
            "return user.ak_groups.filter(nme='a')",
            "Line 1: AttributeError: 'Group' object has no attribute 'nme'.",
            "Line 1: AttributeError: 'Group' object has no attribute 'nme'.",
        ),
        (
            "return ak_user_by(username='x')",
            "Line 1: NameError: name 'ak_user_by' is not defined.",
            "Line 1: NameError: name 'ak_user_by' is not defined.",
        ),
        (
            "import hashlib",
            "Line 1: ModuleNotFoundError: No module named 'hashlib'.",
            "Line 1: ModuleNotFoundError: No module named 'hashlib'.",
        ),
    ] {
        let failure = failure(&expressions, text).await;
        assert_eq!(failure.sentence(), sentence, "{text}");
        assert_eq!(failure.sentence_without_values(), for_events, "{text}");
    }
}
