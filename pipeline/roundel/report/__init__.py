"""The report: one self-contained HTML page for a case, rendered from its packages."""

from roundel.report.render import Previews, render_case

__all__ = ["Previews", "render_case"]
