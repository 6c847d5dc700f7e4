"""Answers of a server that the routes of a `Web` can give."""


def answers(status: int, body: bytes | str = b"sorry", **headers: str):
    return lambda request: request.answer(body, status, **headers)


def redirect(to: str):
    return answers(302, b"", Location=to)


def hang_up(request) -> None:
    request.close_connection = True
    request.connection.close()
