//! Hands and eyes: keys, the mouse, and where things are.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::page::Page;

impl Page<'_> {
    /// Presses a key by its name in the DOM (`Tab`, `Enter`, `ArrowRight`, `a`), wherever the focus
    /// is.
    pub fn press(&self, key: &str) -> Result<()> {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            " " => (32, " "),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            "Backspace" => (8, ""),
            "PageUp" => (33, ""),
            "PageDown" => (34, ""),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            "Delete" => (46, ""),
            character if character.chars().count() == 1 => (0, character),
            _ => bail!("no key is called {key:?}"),
        };
        let mut about = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            about["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", about.clone())?;
        about["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", about)?;
        Ok(())
    }

    /// Writes a text where the focus is.
    pub fn write(&self, text: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": text }))?;
        Ok(())
    }

    /// Clicks the middle of the first element of a CSS selector. It must be in view, or be scrolled
    /// into it, and nothing else may cover it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let script = format!(
            "(() => {{
                const element = document.querySelector({selector});
                if (!element) {{ return 'is not there'; }}
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                if (box.width === 0 || box.height === 0) {{ return 'is not shown'; }}
                const top = document.elementFromPoint(x, y);
                return element.contains(top) || (top && top.contains(element) && top.matches('label'))
                    ? [x, y] : `lies under ${{top && top.outerHTML.slice(0, 120)}}`;
            }})()",
            selector = json!(selector)
        );
        let (x, y) = place(&self.evaluate(&script)?, selector)?;
        self.point_at(x, y)?;
        for kind in ["mousePressed", "mouseReleased"] {
            let about = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", about)?;
        }
        Ok(())
    }

    /// Chooses an option of a `select` by its value, as a person would with keys: the page is
    /// notified.
    pub fn choose(&self, selector: &str, value: &str) -> Result<()> {
        let script = format!(
            "(() => {{
                const element = document.querySelector({selector});
                element.value = {value};
                if (element.value !== {value}) {{ throw new Error('no such option'); }}
                for (const kind of ['input', 'change']) {{ element.dispatchEvent(new Event(kind, {{ bubbles: true }})); }}
            }})()",
            selector = json!(selector),
            value = json!(value)
        );
        self.evaluate(&script)?;
        Ok(())
    }

    /// Moves the mouse to a place in the window, in pixels.
    pub fn point_at(&self, x: f64, y: f64) -> Result<()> {
        let about = json!({ "type": "mouseMoved", "x": x, "y": y });
        self.call("Input.dispatchMouseEvent", about)?;
        Ok(())
    }

    /// Moves the mouse to a place in a plotly chart, given in the units of its axes, and gives the
    /// lines that the hover then shows.
    pub fn hover_chart(&self, id: &str, x: f64, y: f64) -> Result<Vec<String>> {
        let script = format!(
            "(() => {{
                const chart = document.getElementById({id});
                if (!chart) {{ return 'is not there'; }}
                chart.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = chart.getBoundingClientRect();
                const {{ xaxis, yaxis }} = chart._fullLayout;
                return [box.x + xaxis._offset + xaxis.d2p({x}), box.y + yaxis._offset + yaxis.d2p({y})];
            }})()",
            id = json!(id)
        );
        let (at_x, at_y) = place(&self.evaluate(&script)?, id)?;
        // Plotly looks at a moving mouse, and not more often than every few hundredths of a second.
        self.point_at(at_x - 3.0, at_y)?;
        let lines = format!(
            "[...document.getElementById({}).querySelectorAll('.hoverlayer text')].flatMap((text) => \
             text.querySelector('tspan') ? [...text.querySelectorAll('tspan.line')].map((line) => line.textContent) \
             : [text.textContent]).filter(Boolean)",
            json!(id)
        );
        self.evaluate("new Promise((done) => setTimeout(done, 150))")?;
        self.point_at(at_x, at_y)?;
        self.evaluate("new Promise((done) => setTimeout(done, 150))")?;
        self.wait_for(&format!("{lines}.length > 0"))?;
        Ok(serde_json::from_value(self.evaluate(&lines)?)?)
    }
}

fn place(answer: &Value, name: &str) -> Result<(f64, f64)> {
    if let Some(why_not) = answer.as_str() {
        bail!("{name} {why_not}");
    }
    let of = |index: usize| answer[index].as_f64();
    of(0)
        .zip(of(1))
        .with_context(|| format!("{name} has no place: {answer}"))
}
