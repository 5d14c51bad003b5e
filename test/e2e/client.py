# SPDX-License-Identifier: Apache-2.0
"""One call of the API, on a connection of its own."""

import http.client
import json


def call(port, method, path, body=None, key=None, source="127.0.0.1", timeout=30):
    """Status and reply. OSError: no server, or one that went away amid its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout, source_address=(source, 0))
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
    except http.client.HTTPException as failure:
        raise OSError(f"cut off: {failure!r}") from failure
    finally:
        connection.close()
    try:
        return reply.status, json.loads(text) if text else None
    except ValueError:
        raise OSError("half an answer") from None
