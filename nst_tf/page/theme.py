"""How the page looks: with fonts that every machine has, so that none is asked for outside."""

from pathlib import Path

import gradio as gr

CSS = Path(__file__).with_name("style.css")


def theme() -> gr.themes.Base:
    """Return the theme, in light and dark."""
    return gr.themes.Default(
        primary_hue="orange",
        neutral_hue="stone",
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        spacing_size="sm",
        text_size="sm",
    )
