"""Answers that the routes of the test server `Web` can give."""


def answers(status: int, body: bytes | str = b"sorry", **headers: str):
    """A route that always gives this answer."""
    return lambda request: request.answer(body, status, **headers)


def redirect(to: str):
    return answers(302, b"", Location=to)


def hang_up(request) -> None:
    """A route that closes the connection without an answer."""
    request.close_connection = True
    request.connection.close()
