"""The theme, styles and scripts. The page downloads no fonts: its own exist on every machine."""

from pathlib import Path

import gradio as gr

_WEB = Path(__file__).with_name("web")

CSS = tuple(_WEB / f"{name}.css" for name in ("style", "viewer", "regions", "recipes"))
JS = tuple(_WEB / f"{name}.js" for name in ("page", "viewer", "planes", "regions"))


def script() -> bytes:
    """Return the page's own script, each file in a scope of its own."""
    return b"\n".join(b"{%s}" % path.read_bytes() for path in JS)


def theme() -> gr.themes.Base:
    """Return the theme, in light and dark."""
    base = gr.themes.Default(
        primary_hue="orange",
        neutral_hue="stone",
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        spacing_size="sm",
        text_size="sm",
    )
    # Gradio's greys and orange have too little contrast.
    return base.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
    )
