"""The overlay names a capability that does not exist.

The capabilities are embed.embed, embed.rerank, voice.stt, voice.tts, img.img and vision.vision.  Chat is none:
it is a slot of its own, configured in `slots/chat.toml`.

Example: `[selections.voice.sst]`.

Fix: correct the name.
"""

CODE = "capability.unknown_child"
