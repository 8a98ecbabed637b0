"""What comes into force: last good versions, deletions, renames, policies and cold starts."""

from hal0_operator.model.settings import Policy, Settings
from hal0_operator.model.snapshot import Admitted
from tests.admission.texts import codes, judge, selection, slot, snapshot, the

CHAT = slot(port=9000, model="m")
MINE = '[profile.mine]\nimage = "localhost/llama:1"\n'


def test_a_broken_file_keeps_its_last_version_and_disturbs_nobody():
    first = judge({"slots/chat.toml": CHAT, "slots/code.toml": slot(port=9001, model="m")})
    second = judge({"slots/chat.toml": "port = \n", "slots/code.toml": slot(port=9002, model="m")}, first)
    assert second.slots["chat"] == first.slots["chat"]
    assert second.slots["code"].port == 9002
    assert second.denied["slot/chat"][0].code == "slot.schema"
    assert second.frozen == frozenset()
    assert second.generations["chat"] != first.generations["chat"]
    assert second.observed["chat"] == first.observed["chat"]


def test_a_refused_slot_without_a_last_version_is_frozen():
    verdict = judge({"slots/chat.toml": "port = \n", "slots/code.toml": slot(profile="nope", model="m")})
    assert verdict.slots == {}
    assert verdict.frozen == {"chat", "code"}
    assert verdict.generations.keys() == {"chat", "code"}
    assert verdict.admitted.slots == {}


def test_a_cold_start_fails_closed_on_a_pair_that_conflicts():
    texts = {"slots/a.toml": slot(device="npu", model="m"), "slots/b.toml": slot(device="npu", model="m")}
    verdict = judge(texts)
    assert verdict.slots == {}
    assert verdict.denied.keys() == {"slot/a", "slot/b"}
    assert [p.file for p in verdict.denied["slot/a"]] == ["slots/a.toml"]


def test_the_one_that_was_admitted_before_stays():
    first = judge({"slots/a.toml": slot(device="npu", model="m")})
    second = judge(
        {"slots/a.toml": slot(device="npu", model="m"), "slots/b.toml": slot(device="npu", model="m")}, first
    )
    assert second.slots.keys() == {"a"}
    assert second.denied.keys() == {"slot/b"}
    assert second.frozen == {"b"}


def test_two_slots_may_swap_their_ports_in_one_change():
    first = judge({"slots/a.toml": slot(port=9000, model="m"), "slots/b.toml": slot(port=9001, model="m")})
    second = judge({"slots/a.toml": slot(port=9001, model="m"), "slots/b.toml": slot(port=9000, model="m")}, first)
    assert (second.slots["a"].port, second.slots["b"].port) == (9001, 9000)
    assert not second.denied


def test_a_refusal_may_cause_another():
    """`b` took the port that `a` gives up; as `a` may not change, neither may `b`."""
    first = judge({"slots/a.toml": slot(port=9000, model="m"), "slots/b.toml": slot(port=9001, model="m")})
    second = judge(
        {"slots/a.toml": slot(port=9002, profile="nope", model="m"), "slots/b.toml": slot(port=9000, model="m")}, first
    )
    assert second.slots == first.slots
    assert second.denied["slot/a"][0].code == "profile.unknown"
    assert second.denied["slot/b"][0].code == "port.conflict"


def test_a_deleted_slot_goes():
    first = judge({"slots/chat.toml": CHAT, "slots/code.toml": slot(model="m")})
    second = judge({"slots/chat.toml": CHAT}, first)
    assert second.slots.keys() == second.admitted.slots.keys() == {"chat"}
    assert second.kept == {}


def test_a_rename_gone_wrong_removes_nothing():
    first = judge({"slots/chat.toml": CHAT})
    second = judge({"slots/talk.toml": "port = \n"}, first)
    assert second.slots.keys() == {"chat"}
    assert "talk" in second.kept["chat"]
    assert second.frozen == {"talk"}
    third = judge({"slots/talk.toml": CHAT}, second)
    assert third.slots.keys() == {"talk"}


def test_a_kept_slot_still_holds_its_port():
    first = judge({"slots/chat.toml": CHAT})
    texts = {"slots/talk.toml": slot(profile="nope", model="m"), "slots/code.toml": slot(port=9000, model="m")}
    second = judge(texts, first)
    assert second.slots.keys() == {"chat"}
    assert second.denied["slot/code"][0].code == "port.conflict"


def test_a_slot_held_by_the_prune_guard_keeps_its_last_version():
    first = judge({"slots/chat.toml": CHAT})
    second = judge({}, first, held=frozenset({"chat", "unheard-of"}))
    assert second.slots == first.slots
    assert second.frozen == {"unheard-of"}
    assert second.admitted.slots == first.admitted.slots


def test_a_used_profile_stays_when_its_entry_goes():
    first = judge({"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")})
    second = judge({"slots/chat.toml": slot(profile="mine", model="m", port=9009)}, first)
    assert codes(second) == ["profiles.in_use"]
    assert second.slots["chat"].port == 9009
    assert second.catalogue["mine"].image == "localhost/llama:1"
    third = judge({"slots/chat.toml": slot(model="m")}, second)
    assert "mine" not in third.catalogue
    assert not third.problems


def test_a_profile_that_contradicts_its_slots_goes_back():
    first = judge({"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")})
    second = judge(
        {"profiles.toml": MINE + 'device_class = "cpu"\n', "slots/chat.toml": slot(profile="mine", model="m")}, first
    )
    assert second.denied["profile/mine"][0].code == "device.profile_incoherent"
    assert second.slots == first.slots
    assert second.catalogue["mine"].klass == "gpu"
    assert not second.violations


def test_a_slot_of_a_refused_profile_says_so():
    verdict = judge({"profiles.toml": "[profile.mine]\n", "slots/chat.toml": slot(profile="mine", model="m")})
    assert verdict.frozen == {"chat"}
    assert "is refused" in the(verdict, "profile.unknown").message


def test_an_unreadable_profiles_file_keeps_every_entry():
    first = judge({"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")})
    second = judge({"profiles.toml": "[profile", "slots/chat.toml": slot(profile="mine", model="m")}, first)
    assert second.admitted.profiles == first.admitted.profiles
    assert second.slots == first.slots


def test_a_new_policy_leaves_what_is_in_force_and_names_it():
    texts = {"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")}
    strict = Settings(policy=Policy(images=("ghcr.io/hal0ai/",)))
    first = judge(texts)
    second = judge(texts, first, strict)
    assert second.slots == first.slots
    assert not second.denied
    assert second.violations.keys() == {"profile/mine", "slot/chat"}


def test_a_new_slot_may_not_use_what_a_new_policy_forbids():
    texts = {"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")}
    strict = Settings(policy=Policy(images=("ghcr.io/hal0ai/",)))
    first = judge(texts)
    second = judge({**texts, "slots/new.toml": slot(profile="mine", model="m")}, first, strict)
    assert second.denied.keys() == {"slot/new"}
    assert second.slots == first.slots


def test_a_new_policy_on_a_cold_start_holds_everything_back():
    texts = {"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")}
    verdict = judge(texts, settings=Settings(policy=Policy(images=("ghcr.io/hal0ai/",))))
    assert verdict.slots == {}
    assert verdict.frozen == {"chat"}
    assert codes(verdict) == ["image.policy", "profile.unknown"]


def test_a_policy_against_the_shipped_images_holds_their_slots_back():
    strict = Settings(policy=Policy(images=("localhost/",)))
    verdict = judge({"slots/chat.toml": slot(model="m")}, settings=strict)
    assert codes(verdict) == ["image.policy"]
    assert verdict.frozen == {"chat"}


def test_a_slot_that_had_a_model_may_not_lose_it_unless_it_is_off():
    first = judge({"slots/chat.toml": CHAT})
    second = judge({"slots/chat.toml": slot(port=9000)}, first)
    assert second.denied["slot/chat"][0].code == "slot.schema"
    assert "enabled = false" in second.denied["slot/chat"][0].hint
    assert second.slots["chat"].model == "m"
    third = judge({"slots/chat.toml": slot(port=9000, enabled=False)}, second)
    assert not third.denied
    assert not third.slots["chat"].enabled


def test_a_slot_that_never_had_a_model_is_admitted():
    assert judge({"slots/chat.toml": slot(port=9000)}, Admitted()).slots["chat"].model is None


def test_a_copied_seed_is_ignored_on_import_and_refused_as_a_new_edit():
    edited = {"profiles.toml": '[profile.rocm]\nimage = "localhost/other:1"\n', "slots/chat.toml": CHAT}
    imported = judge(edited)
    assert codes(imported) == []
    assert imported.catalogue["rocm"].seed
    assert codes(judge(edited, imported)) == []
    live = judge(edited, judge({"slots/chat.toml": CHAT}))
    assert live.denied["profile/rocm"][0].code == "profiles.seed_immutable"
    assert "clone" in live.denied["profile/rocm"][0].hint


def test_every_problem_of_the_candidate_is_reported_in_one_run():
    verdict = judge(
        {
            "slots/a.toml": "port = \n",
            "slots/b.toml": slot(profile="nope", model="m", extra_args="--port 1"),
            "slots/c.toml": slot(device="gpu-rocm", profile="vulkan", image="llama:1", model="m"),
            "profiles.toml": '[profile.mine]\nimage = "localhost/x:1"\nmounts = ["/etc:/etc:ro"]\n',
        }
    )
    assert codes(verdict) == [
        "device.profile_incoherent",
        "flag.policy",
        "image.policy",
        "mount.policy",
        "profile.unknown",
        "slot.schema",
    ]


def test_the_digest_is_that_of_the_last_change():
    first = judge({"slots/chat.toml": CHAT})
    assert first.admitted.digest == snapshot({"slots/chat.toml": CHAT}).digest
    broken = judge({"slots/chat.toml": "port = \n"}, first)
    assert broken.admitted == first.admitted
    changed = judge({"slots/chat.toml": slot(port=9001, model="m")}, broken)
    assert changed.admitted.digest != first.admitted.digest


def test_generations_tell_what_is_asked_from_what_is_in_force():
    first = judge({"slots/chat.toml": CHAT, "slots/code.toml": slot(model="m")})
    assert first.generations == first.observed
    second = judge({"slots/chat.toml": slot(profile="nope", model="m"), "slots/code.toml": slot(model="m")}, first)
    assert second.observed == first.observed
    assert second.generations["code"] == first.generations["code"]
    assert second.generations["chat"] != first.generations["chat"]


def test_a_profile_edit_moves_the_generation_of_its_slots_only():
    texts = {"profiles.toml": MINE, "slots/a.toml": slot(profile="mine", model="m"), "slots/b.toml": slot(model="m")}
    first = judge(texts)
    second = judge({**texts, "profiles.toml": MINE + 'flags = "--jinja"\n'}, first)
    assert second.generations["a"] != first.generations["a"]
    assert second.generations["b"] == first.generations["b"]


def test_an_overlay_edit_moves_the_generation_of_its_slot_only():
    texts = {"slots/tts.toml": slot(device="cpu"), "slots/b.toml": slot(model="m")}
    first = judge(texts)
    second = judge(
        {**texts, "capabilities.toml": "schema_version = 2\n" + selection("voice.tts", enabled=False, device="cpu")},
        first,
    )
    assert not second.slots["tts"].enabled
    assert second.generations["tts"] != first.generations["tts"]
    assert second.generations["b"] == first.generations["b"]


def test_a_broken_profile_entry_does_not_hold_back_an_edit_of_its_slots():
    first = judge({"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")})
    texts = {"profiles.toml": MINE + "flags = 3\n", "slots/chat.toml": slot(profile="mine", model="m", port=9009)}
    second = judge(texts, first)
    assert second.denied.keys() == {"profile/mine"}
    assert second.slots["chat"].port == 9009
    assert second.catalogue["mine"] == first.catalogue["mine"]


def test_a_broken_entry_does_not_let_its_last_version_past_a_new_policy():
    first = judge({"profiles.toml": MINE, "slots/chat.toml": slot(profile="mine", model="m")})
    texts = {
        "profiles.toml": MINE + "flags = 3\n",
        "slots/chat.toml": slot(profile="mine", model="m"),
        "slots/new.toml": slot(profile="mine", model="m"),
    }
    second = judge(texts, first, Settings(policy=Policy(images=("ghcr.io/hal0ai/",))))
    assert second.slots == first.slots
    assert second.denied.keys() == {"profile/mine", "slot/new"}
    assert second.violations.keys() == {"profile/mine", "slot/chat"}
