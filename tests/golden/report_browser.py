"""Looks at a report in a browser, through its debugging pipe: no library, one start for all checks.

    report_browser.py BROWSER FOLDER PAGE
"""

import base64
import json
import os
import subprocess
import sys


class Browser:
    """Chromium's devtools protocol: JSON texts that end with a NUL, on descriptors 3 and 4."""

    def __init__(self, program, profile):
        read_commands, self.commands = os.pipe()
        self.answers, write_answers = os.pipe()
        self.number, self.rest, self.trouble = 0, b"", []

        def wire():
            os.dup2(read_commands, 100)
            os.dup2(write_answers, 101)
            os.dup2(100, 3)
            os.dup2(101, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_commands)
        os.close(write_answers)
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 16)
            assert more, "the browser ended"
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if hasattr(self, "session"):
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            said = self.message()
            if said.get("id") == self.number:
                assert "error" not in said, said
                return said["result"]
            if said.get("method") == "Log.entryAdded":
                self.trouble.append(said["params"]["entry"]["text"])

    def value(self, script):
        said = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"]["value"]

    def close(self):
        self.ask("Browser.close")
        self.process.wait(30)


# What is wrong with the page as it lies there, as texts.
FAULTS = """(() => {
  const out = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) out.push("the page is wider than its window");
  for (const e of document.querySelectorAll("h1, h2, h3, h4, p, dl, figure, nav, figcaption")) {
    const box = e.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1) out.push(`beyond the window: ${e.tagName} ${e.textContent.slice(0, 40)}`);
  }
  for (const svg of document.querySelectorAll("svg.plot")) {
    const name = svg.getAttribute("aria-label"), frame = svg.getBoundingClientRect();
    if (!name || svg.getAttribute("role") !== "img") out.push("a plot without a name");
    const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([text, box], i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1 || box.top < frame.top - 1)
        out.push(`${name}: '${text}' is cut off`);
      for (const [other, at] of texts.slice(i + 1))
        if (box.left < at.right - 1 && at.left < box.right - 1 && box.top < at.bottom - 2 && at.top < box.bottom - 2)
          out.push(`${name}: '${text}' lies over '${other}'`);
    });
  }
  return out;
})()"""
COLOURS = """(() => [getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector(".line.a")).stroke])()"""
DRAWN = """(() => [...document.querySelectorAll(".plots svg.plot")].map(svg => [svg.getAttribute("aria-label"),
  svg.querySelectorAll(".line, .bar, .swarm, .dot").length, svg.getBoundingClientRect().height]))()"""
LIGHT, DARK = ["rgb(255, 255, 255)", "rgb(11, 99, 197)"], ["rgb(18, 22, 28)", "rgb(108, 176, 255)"]


def main():
    program, folder, page = sys.argv[1:]
    browser, failures = Browser(program, f"{folder}/browser"), []
    browser.ask("Page.enable")
    browser.ask("Log.enable")
    for width in (1240, 400):
        browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        browser.ask("Page.navigate", url=f"file://{os.path.abspath(os.path.join(folder, page))}")
        while browser.value("document.readyState") != "complete":
            pass
        for scheme, colours in (("light", LIGHT), ("dark", DARK)):
            browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            found = browser.value(COLOURS)
            if found != colours:
                failures.append(f"{scheme}: paper and lines are {found}, not {colours}")
            height = min(browser.value("document.documentElement.scrollHeight"), 12000)
            shot = browser.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                               clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
            with open(f"{folder}/{scheme}-{width}.png", "wb") as out:
                out.write(base64.b64decode(shot["data"]))
        failures += [f"{width} px: {fault}" for fault in browser.value(FAULTS)]
        for name, marks, tall in browser.value(DRAWN):
            if not marks or tall < 60:
                failures.append(f"{width} px: {name}: {marks} marks, {tall} px high")
    failures += [f"the browser says: {text}" for text in browser.trouble]
    browser.close()
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


main()
