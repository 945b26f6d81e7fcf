from mer_di.inspection.lettering import drawable, shortened, visible


def test_what_has_no_shape_is_escaped():
    assert visible("né 惊\u202e\n\x1b") == "né 惊\\u202e\\n\\x1b"
    assert drawable("né 惊") == "né \\u60ca"


def test_a_long_text_ends_in_a_sign():
    assert shortened("surprise", 8) == "surprise"
    assert shortened("surprises", 8) == "surpris…"
