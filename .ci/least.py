"""Print the least version of each package that pyproject.toml takes, as constraints for pip."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
wanted = [*project["dependencies"], *(each for name, extra in extras.items() if name != "dev" for each in extra)]
print("\n".join(each.replace(">=", "==") for each in wanted if ">=" in each))
