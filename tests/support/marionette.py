"""Firefox under Selenium without a program between the two: Debian packages the browser, but no geckodriver.

Marionette is Firefox's own protocol: JSON over TCP, with WebDriver's commands and values under other names.
"""

from __future__ import annotations

import json
import socket
from itertools import count
from typing import Any

ANSWER_S = 120.0  # a page that loads on a busy computer

# Selenium's names of commands, and Marionette's.
_COMMANDS = {
    "newSession": "WebDriver:NewSession",
    "quit": "WebDriver:DeleteSession",
    "get": "WebDriver:Navigate",
    "refresh": "WebDriver:Refresh",
    "getCurrentUrl": "WebDriver:GetCurrentURL",
    "findElement": "WebDriver:FindElement",
    "findElements": "WebDriver:FindElements",
    "clickElement": "WebDriver:ElementClick",
    "sendKeysToElement": "WebDriver:ElementSendKeys",
    "getElementText": "WebDriver:GetElementText",
    "getElementTagName": "WebDriver:GetElementTagName",
    "getElementAttribute": "WebDriver:GetElementAttribute",
    "getElementProperty": "WebDriver:GetElementProperty",
    "getElementValueOfCssProperty": "WebDriver:GetElementCSSValue",
    "isElementSelected": "WebDriver:IsElementSelected",
    "isElementEnabled": "WebDriver:IsElementEnabled",
    "clearElement": "WebDriver:ElementClear",
    "findChildElement": "WebDriver:FindElement",
    "findChildElements": "WebDriver:FindElements",
    "w3cGetActiveElement": "WebDriver:GetActiveElement",
    "w3cExecuteScript": "WebDriver:ExecuteScript",
    "w3cExecuteScriptAsync": "WebDriver:ExecuteAsyncScript",
    "actions": "WebDriver:PerformActions",
    "setTimeouts": "WebDriver:SetTimeouts",
    "screenshot": "WebDriver:TakeScreenshot",
    "setWindowRect": "WebDriver:SetWindowRect",
    "setContext": "Marionette:SetContext",
}


class Marionette:
    """What Selenium sends its commands to: an open connection to the Firefox that listens on `port`."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        self._stream = self._socket.makefile("rb")
        self._ids = count(1)
        self._received()  # its greeting

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer as Selenium's own connection returns it, errors included."""
        sent = {name: value for name, value in params.items() if name != "sessionId"}
        if command.startswith("findChild"):
            sent["element"] = sent.pop("id")
        message = json.dumps([0, next(self._ids), _COMMANDS[command], sent]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._received()
        if error:
            return {"status": 500, "value": json.dumps({"value": error})}
        bare = isinstance(result, dict) and set(result) == {"value"}
        return {"value": result["value"] if bare else result}

    def close(self) -> None:
        self._socket.close()

    def _received(self) -> Any:
        """One message: its length in digits, a colon, JSON."""
        digits = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise ConnectionError("Firefox has closed the connection.")
            digits += byte
        return json.loads(self._stream.read(int(digits)))
