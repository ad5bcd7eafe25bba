"""What one trial trains: one file is one published system, and its file name is its name.

`trainables/<name>.py` defines, and `tests/conformance/test_trainables.py` tests of every file:

- `Config`, a frozen dataclass of keyword-only fields that extends `TrainerConfig` (`core/config.py`): numbers, strings and
  truth values alone. Its defaults are the full model of the source. A field declares its range, `Annotated[int,
  AtLeast(1)]` (`core/ranges.py`); what fields allow of one another alone is checked in `__post_init__`.
- `build_model(config) -> nn.Module`: `model(clips, lengths)` with clips (B, T, 3, H, W) float and lengths (B,) int64 gives
  logits (B, K). Frames beyond a clip's length change nothing, whatever they hold and however many there are
  (`models/padding.py`); every parameter gets a gradient, of a single clip too; recurrent layers compute in float32
  (`models/recurrent.py`); it can be built on the meta device, and exported to ONNX.
- `SMALL`, the settings of a network and frames for a test or a smoke run: one epoch, some 32 px.
- `PRESETS`, where the source has named configurations: settings by name.

The module, `Config` and `build_model` have docstrings: the source, and what was chosen where it is silent. A field called
`attention` takes the gates of `models/attention.py`, every one that fits; one called `weights` takes a name of
`models/sources.py` or a path, read by `models/published.py`; the network then has `stages()` and its `Config` `num_stages()`,
those of the backbone (`models/stages.py`), and can be fine-tuned stage by stage. Layers may lie in `models/`, one file a
network.

Ray is in `core/ray`, MLflow in one file of `core/serving`.
"""
