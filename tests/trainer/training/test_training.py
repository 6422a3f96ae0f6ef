"""Experts and mixtures on a two-layer random XLM-R: trained, resumed, reloaded, mixed; and what is refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from schemas.dataset import read_samples
from schemas.errors import IndexMismatch, InputError, MieError, StoreError, UsageError
from schemas.run_files import read_mixture_facts
from tests.support.tiny_encoder import build_encoder, make_tweets, write_contexts, write_pairs, write_tweets
from trainer.commands import PredictInputs, ablate_run, evaluate_run, fit_seeds, predict_rows
from trainer.config import RunConfig, check_config, override, to_toml
from trainer.inputs import LabelSet
from trainer.mixture import fit_mixture
from trainer.model import Expert, load_encoder, make_expert
from trainer.model.objectives import posterior_divergence
from trainer.reports import compare_runs
from trainer.training import encode_split, fit, open_expert, parameter_groups, read_run_config, read_split
from trainer.training.folder import settle_config

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder, an entity set with contexts, a relation set, a baseline and an expert on contexts."""
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    tweets = write_tweets(folder / "tweets")
    samples = [sample for split in ("train", "dev", "test") for sample in read_samples(tweets, split)]
    write_contexts(folder / "contexts", samples, ("text", "image"))
    write_pairs(folder / "pairs")
    fit(settings(folder), folder / "runs" / "baseline")
    fit(settings(folder, *TEXT(folder)), folder / "runs" / "text")
    return folder


def settings(folder: Path, *changes: str) -> RunConfig:
    base = [
        f"encoder.name={folder / 'encoder'}",
        f"data.samples={folder / 'tweets'}",
        "encoder.max_length_pieces=64",
        "training.epochs=5",
        "training.batch_samples=8",
        "training.encoder_lr=3e-3",
        "training.head_lr=1e-2",
        "training.crf_lr=1e-2",
        "training.device=cpu",
    ]
    return check_config(override(RunConfig(), [*base, *changes]))


def TEXT(folder: Path) -> list[str]:  # noqa: N802 - a list of settings that needs the folder
    return [f"data.contexts={folder / 'contexts'}", 'data.sources=["text", "image"]']


def weights(run: Path) -> dict[str, torch.Tensor]:
    return {**load_file(run / "best" / "model.safetensors"), **load_file(run / "best" / "head.safetensors")}


def metrics(run: Path) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if "second" not in key} for row in rows if row["kind"] == "epoch"]


def test_both_experts_learn_the_set_and_the_report_says_so(house: Path) -> None:
    scores = {name: evaluate_run(house / "runs" / name, "test") for name in ("baseline", "text")}
    assert scores["baseline"]["default"]["f1"] > 0.9
    assert scores["text"]["default"]["f1"] > 0.9
    assert set(scores["text"]) >= {"default", "strict", "seen", "unseen", "with image", "without image"}
    report = (house / "runs" / "text" / "report.md").read_text()
    assert "## test" in report and "contexts left out" in report
    conll = (house / "runs" / "text" / "predictions" / "test.conll").read_text()
    assert conll.count("\n\n") >= 23 and "IMGID:test1" in conll


def test_reloaded_weights_give_the_f1_that_the_loop_saw(house: Path) -> None:
    run = house / "runs" / "baseline"
    facts = json.loads((run / "run.json").read_text())
    assert evaluate_run(run, "dev")["default"]["f1"] == facts["best_dev_f1"]


def test_best_loads_with_transformers_alone_and_holds_no_pickle(house: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    best = house / "runs" / "baseline" / "best"
    model = AutoModel.from_pretrained(best, local_files_only=True)
    assert AutoTokenizer.from_pretrained(best, local_files_only=True)("anna")["input_ids"][0] == 0
    expert = open_expert(house / "runs" / "baseline").expert
    assert torch.equal(model.embeddings.word_embeddings.weight, expert.encoder.embeddings.word_embeddings.weight)
    assert {path.suffix for path in best.iterdir()} == {".json", ".safetensors", ".md"}


def test_predict_gives_the_runs_own_predictions_from_raw_jsonl_and_contexts(house: Path, tmp_path: Path) -> None:
    run = house / "runs" / "baseline"
    evaluate_run(run, "test")
    own = [json.loads(line) for line in (run / "predictions" / "test.jsonl").read_text().splitlines()]
    raw = tmp_path / "raw.jsonl"
    raw.write_text("".join(json.dumps({"tokens": row["tokens"], "image": row["image"]}) + "\n" for row in own))
    found = predict_rows(run, raw)
    assert [row["tags"] for row in found] == [row["tags"] for row in own]
    assert [row["entities"] for row in found] == [row["entities"] for row in own]
    entity = next(entity for row in found for entity in row["entities"])
    assert 0 < entity["probability"] <= 1 and entity["text"]
    text_rows = predict_rows(house / "runs" / "text", house / "tweets", inputs=PredictInputs((house / "contexts",)))
    assert {c["source"] for row in text_rows for c in row["contexts"]} == {"text", "image"}
    with pytest.raises(UsageError, match="reads contexts of text, image"):
        predict_rows(house / "runs" / "text", raw)


def test_masked_pieces_change_the_training_and_need_a_mask_piece(house: Path, tmp_path: Path) -> None:
    config = settings(house, "training.epochs=1", "training.mask_share=0.3")
    plain = fit(settings(house, "training.epochs=1"), tmp_path / "plain")
    masked = fit(config, tmp_path / "masked")
    assert plain["steps"] == masked["steps"]
    of_plain, of_masked = (weights(tmp_path / name) for name in ("plain", "masked"))
    assert any(not torch.equal(of_plain[name], of_masked[name]) for name in of_plain)
    bare = shutil.copytree(house / "encoder", tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).write_text((bare / name).read_text().replace("<mask>", "<none>").replace("mask_token", "x_token"))
    with pytest.raises(UsageError, match="has no mask piece"):
        fit(override(config, [f"encoder.name={bare}"]), tmp_path / "bare-run")


def test_a_finished_run_is_left_alone_and_another_setting_is_refused(house: Path) -> None:
    run = house / "runs" / "baseline"
    before = (run / "metrics.jsonl").read_bytes()
    talk: list[str] = []
    fit(settings(house), run, talk=talk.append)
    assert "nothing to do" in talk[0] and (run / "metrics.jsonl").read_bytes() == before
    with pytest.raises(UsageError, match="other settings"):
        fit(settings(house, "training.seed=3"), run)


@pytest.mark.parametrize(
    "extra",
    [[], ["model.two_view=true"], ["training.mask_share=0.2"]],
    ids=["one view", "two views", "masked pieces"],
)
def test_a_run_killed_midway_ends_with_the_weights_and_metrics_of_one_that_was_not(
    house: Path, tmp_path: Path, extra: list[str]
) -> None:
    config = settings(house, *TEXT(house), "training.save_every_steps=1", "training.accumulation_batches=2", *extra)
    config = replace(config, training=replace(config.training, epochs=3))
    fit(config, tmp_path / "whole")
    (tmp_path / "config.toml").write_text(to_toml(config))
    state = tmp_path / "killed" / "last" / "state.json"
    program = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from pathlib import Path\n"
        "from trainer.config import load_config\n"
        "from trainer.training.run import fit\n"
        "fit(load_config(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, tmp_path / "config.toml", tmp_path / "killed"])
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not (state.is_file() and json.loads(state.read_text())["step"] >= 4):
            assert child.poll() is None, "the run ended before it could be killed"
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    step = json.loads(state.read_text())["step"]
    assert 4 <= step < 9, "the kill came too late to show anything"
    talk: list[str] = []
    fit(config, tmp_path / "killed", talk=talk.append)
    assert f"goes on after step {step}" in talk[0]
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_a_loss_that_is_not_finite_stops_with_its_place_and_keeps_the_good_state(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, calls = Expert.losses, []

    def broken(self: Expert, batch: object) -> torch.Tensor:
        calls.append(1)
        found = losses(self, batch)  # type: ignore[arg-type]
        return found * float("nan") if len(calls) == 9 else found

    monkeypatch.setattr(Expert, "losses", broken)
    with pytest.raises(MieError, match=r"epoch 2, step 9, samples train-\d+.*the loss is not a finite number"):
        fit(settings(house), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "last" / "state.json").read_text())["step"] == 6
    assert all(bool(torch.isfinite(weight).all()) for weight in weights(tmp_path / "run").values())
    fit(settings(house), tmp_path / "run")
    whole, again = weights(house / "runs" / "baseline"), weights(tmp_path / "run")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_run_whose_loss_broke_goes_on_with_a_lower_rate_and_tells_so_in_its_log(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = Expert.losses

    def broken(self: Expert, batch: object) -> torch.Tensor:
        found = losses(self, batch)  # type: ignore[arg-type]
        return found * float("inf") if (run / "best").is_dir() else found

    run = tmp_path / "run"
    monkeypatch.setattr(Expert, "losses", broken)
    with pytest.raises(MieError, match=r"not a finite number.*lower training.encoder_lr.*--continue"):
        fit(settings(house), run)
    monkeypatch.setattr(Expert, "losses", losses)
    first = [row for row in metrics(run) if row["epoch"] == 1]
    lower = settings(house, "training.encoder_lr=1e-3", "training.head_lr=5e-3")
    with pytest.raises(UsageError, match=r"training.encoder_lr is 0.003 there, 0.001 here.*add --continue"):
        fit(lower, run)
    talk: list[str] = []
    facts = fit(lower, run, talk=talk.append, is_continued=True)
    assert "goes on after step 6" in talk[0] and facts["epochs"] == 5
    assert metrics(run)[0] == first[0] and [row["epoch"] for row in metrics(run)] == [1, 2, 3, 4, 5]
    (told,) = [
        row for line in (run / "metrics.jsonl").read_text().splitlines() if "changed" in (row := json.loads(line))
    ]
    assert told["step"] == 6 and told["changed"]["training.encoder_lr"] == [3e-3, 1e-3]
    assert read_run_config(run) == settle_config(lower, "ner")
    fit(lower, run)
    with pytest.raises(UsageError, match="this run is finished"):
        fit(settings(house), run, is_continued=True)


def test_what_settles_data_model_or_order_cannot_change_within_a_run(house: Path, tmp_path: Path) -> None:
    fit(settings(house, "training.epochs=1"), tmp_path / "run")
    for change in ("training.seed=3", "training.batch_samples=4", "model.head.dropout=0.2", "data.train_samples=9"):
        with pytest.raises(UsageError, match=r"other settings.*add --overwrite to begin again") as raised:
            fit(settings(house, "training.epochs=1", change), tmp_path / "run", is_continued=True)
        assert "--continue" not in str(raised.value)


def test_a_cache_that_was_made_again_from_another_index_is_other_data(house: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(house / "contexts", tmp_path / "contexts")
    config = settings(house, f"data.contexts={tmp_path / 'contexts'}", "data.sources=text", "training.epochs=1")
    fit(config, tmp_path / "run")
    described = json.loads((tmp_path / "contexts" / "contexts.json").read_text())
    (tmp_path / "contexts" / "contexts.json").write_text(json.dumps({**described, "index_fingerprint": "another"}))
    with pytest.raises(UsageError, match=r"other settings or other data here \(other contexts\)"):
        fit(config, tmp_path / "run")


def test_a_full_disk_is_an_error_with_a_remedy_and_the_last_best_stays(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trainer.training.state as states

    fit(settings(house, "training.epochs=1"), tmp_path / "run")
    before = weights(tmp_path / "run")
    saved = states.save_file

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    config = settings(house, "training.epochs=2")
    monkeypatch.setattr(states, "save_file", full)
    with pytest.raises(StoreError, match=r"No space left on device.*make room"):
        fit(config, tmp_path / "other")
    monkeypatch.setattr(states, "save_file", saved)
    assert not list((tmp_path / "other" / "last").glob("step-*[0-9]"))
    fit(config, tmp_path / "other")
    assert all(torch.equal(before[name], weights(tmp_path / "run")[name]) for name in before)


def test_an_expert_on_relations_learns_and_reports_micro_f1_without_none(house: Path, tmp_path: Path) -> None:
    config = settings(house, f"data.samples={house / 'pairs'}", "training.epochs=8")
    fit(config, tmp_path / "pairs")
    scores = evaluate_run(tmp_path / "pairs", "test")
    assert scores["micro without None"]["f1"] > 0.9
    assert set(scores["micro without None"]["by_class"]) == {"/per/loc/visits", "/per/per/peer"}
    fit(replace(config, training=replace(config.training, seed=2)), tmp_path / "other")
    facts = fit_mixture([tmp_path / "pairs", tmp_path / "other"], tmp_path / "mixture", folds=2)
    found = evaluate_run(tmp_path / "mixture", "test")
    assert found["micro without None"]["f1"] > 0.9 and facts.gate in found["experts and gates"].__repr__()


def test_a_mixture_of_two_is_fitted_reloaded_and_predicts_with_weights(house: Path, tmp_path: Path) -> None:
    experts = [house / "runs" / "baseline", house / "runs" / "text"]
    facts = fit_mixture(experts, tmp_path / "mixture", folds=4)
    assert {"expert baseline", "expert text", "oracle by sample", "gate fixed", "gate sample", "gate token"} <= set(
        facts.scores
    )
    best_gate = max(row["f1"] for name, row in facts.scores.items() if name.startswith("gate"))
    assert facts.scores[f"gate {facts.gate}"]["f1"] == best_gate
    scores = evaluate_run(tmp_path / "mixture", "test")
    assert scores["experts and gates"]["oracle by sample"] >= scores["experts and gates"]["expert text"]
    own = [json.loads(line) for line in (tmp_path / "mixture" / "predictions" / "test.jsonl").read_text().splitlines()]
    found = predict_rows(tmp_path / "mixture", house / "tweets", inputs=PredictInputs((house / "contexts",)))
    assert found == own
    assert sum(row["weight"] for row in found[0]["gate"]) == pytest.approx(1, abs=1e-5)
    assert (house / "runs" / "text" / "posteriors").is_dir()
    comparison = compare_runs(tmp_path / "mixture", tmp_path / "mixture", "test", resamples=20)
    assert comparison.difference == 0 and comparison.p_value == 1


def test_posteriors_are_computed_once(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experts = [house / "runs" / "baseline", house / "runs" / "text"]
    fit_mixture(experts, tmp_path / "first", folds=2)
    monkeypatch.setattr("trainer.mixture.members.compute_posteriors", lambda *args: pytest.fail("computed again"))
    fit_mixture(experts, tmp_path / "second", folds=2)
    first, second = (read_mixture_facts(tmp_path / name) for name in ("first", "second"))
    assert first.scores == second.scores


def test_a_mixture_whose_expert_was_trained_again_is_refused(house: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        fit(settings(house, "training.epochs=1", f"training.seed={seed}"), tmp_path / f"s{seed}")
    fit_mixture([tmp_path / "s1", tmp_path / "s2"], tmp_path / "mixture", folds=2)
    fit(settings(house, "training.epochs=1", "training.seed=3"), tmp_path / "s2", overwrite=True)
    with pytest.raises(IndexMismatch, match="trained again since"):
        evaluate_run(tmp_path / "mixture", "test")
    with pytest.raises(UsageError, match="two experts or more"):
        fit_mixture([tmp_path / "s1"], tmp_path / "alone")


def test_ablations_change_the_contexts_and_nothing_else(house: Path) -> None:
    rows = {row.name: row for row in ablate_run(house / "runs" / "text", "dev", ks=(0, 1))}
    assert set(rows) == {
        "as trained", "k = 0", "k = 1", "contexts of other samples", "without text", "without image",
    }  # fmt: skip
    assert rows["k = 0"].contexts == 0 < rows["k = 1"].contexts < rows["as trained"].contexts
    assert rows["without text"].contexts == rows["as trained"].contexts / 2
    assert rows["contexts of other samples"].contexts > 0
    with pytest.raises(UsageError, match="reads no contexts"):
        ablate_run(house / "runs" / "baseline", "dev")


def test_contexts_change_the_states_but_never_reach_the_crf(house: Path) -> None:
    config = settings(house, *TEXT(house))
    data = read_split(config, "dev")
    run = open_expert(house / "runs" / "text")
    rows = encode_split(run.expert, config, data).rows
    assert all(len(row.positions) == len(sample.tokens) for row, sample in zip(rows, data.samples, strict=True))
    assert all(len(row.plain_ids) < len(row.ids) for row in rows)
    assert all(max(row.positions) < len(row.plain_ids) - 1 for row in rows)
    assert all([row.ids[p] for p in row.positions] == [row.plain_ids[p] for p in row.positions] for row in rows)


def test_the_two_view_loss_is_the_formula_and_the_full_view_is_detached(house: Path) -> None:
    from trainer.inputs import collate

    config = settings(house, *TEXT(house), "model.two_view=true", "model.dropout=0", "model.two_view_weight=0.25")
    data = read_split(config, "train")
    torch.manual_seed(1)
    expert = make_expert(config.encoder, config.model, LabelSet.of(data.dataset)).eval()
    batch = collate(encode_split(expert, config, data).rows[:4], expert.padding, has_plain=True)
    total = expert.losses(batch)
    assert [objective.name for objective in expert.objectives] == ["two_view_kl"]
    expert.objectives = torch.nn.ModuleList()
    full = expert.losses(batch)
    plain = expert.losses(replace(batch, ids=batch.plain_ids, attention=batch.plain_attention))
    q = expert.read(batch)[0]
    p = expert.read(replace(batch, ids=batch.plain_ids, attention=batch.plain_attention))[0]
    wanted = 0.25 * (full + plain) + 0.75 * posterior_divergence(q, p)
    assert torch.allclose(total, wanted, atol=1e-5)
    assert bool((posterior_divergence(q, p) > 0).all())
    assert torch.allclose(posterior_divergence(q, q), torch.zeros(4), atol=1e-6)


def test_accumulated_batches_give_the_gradient_of_one_large_batch(house: Path, tmp_path: Path) -> None:
    base = ["training.epochs=1", "model.dropout=0", "training.bucket_by_length=false"]
    base.append(f"encoder.name={still_encoder(tmp_path)}")
    fit(settings(house, *base, "training.batch_samples=8"), tmp_path / "one")
    fit(settings(house, *base, "training.batch_samples=4", "training.accumulation_batches=2"), tmp_path / "two")
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(one[name], two[name], atol=2e-4) for name in one)


def test_bf16_checkpointing_and_accumulation_give_nearly_the_losses_of_fp32(house: Path, tmp_path: Path) -> None:
    """The path of a large encoder, by CPU autocast: checkpointing changes nothing, bf16 the losses by its rounding."""
    folder = still_encoder(tmp_path)
    base = [f"encoder.name={folder}", "model.dropout=0", "training.epochs=3", "training.batch_samples=4",
            "training.accumulation_batches=2"]  # fmt: skip
    large = [*base, "encoder.gradient_checkpointing=true"]
    for name, extra in (("fp32", base), ("checkpointed", large), ("bf16", [*large, "training.precision=bf16"])):
        fit(settings(house, *extra), tmp_path / name)
    losses = {name: [row["loss"] for row in metrics(tmp_path / name)] for name in ("fp32", "checkpointed", "bf16")}
    assert losses["fp32"][0] > 2 * losses["fp32"][-1], "the losses must move for this to show anything"
    assert losses["checkpointed"] == pytest.approx(losses["fp32"], rel=1e-4)
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.05) and losses["bf16"] != losses["checkpointed"]
    assert all(weight.dtype == torch.float32 for weight in weights(tmp_path / "bf16").values())


def test_checkpointing_computes_the_layers_again_in_the_backward_pass(house: Path) -> None:
    from trainer.inputs import collate

    calls = []
    for is_on in (False, True):
        config = settings(house, f"encoder.gradient_checkpointing={str(is_on).lower()}")
        data = read_split(config, "train")
        expert = make_expert(config.encoder, config.model, LabelSet.of(data.dataset)).train()
        counted: list[int] = []
        expert.encoder.encoder.layer[0].attention.register_forward_hook(lambda *_, to=counted: to.append(1))
        batch = collate(encode_split(expert, config, data).rows[:4], expert.padding)
        expert.losses(batch).sum().backward()
        calls.append(len(counted))
    assert calls == [1, 2]


def still_encoder(folder: Path) -> Path:
    """Write an encoder without dropout, so that runs differ by what is tested alone."""
    encoder = build_encoder(folder / "still")
    facts = json.loads((encoder / "config.json").read_text())
    still = {**facts, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (encoder / "config.json").write_text(json.dumps(still))
    return encoder


def test_bf16_and_gradient_checkpointing_train_too(house: Path, tmp_path: Path) -> None:
    extra = ["training.precision=bf16", "encoder.gradient_checkpointing=true", "training.epochs=4"]
    assert fit(settings(house, *extra), tmp_path / "run")["best_dev_f1"] > 0.7


def test_early_stopping_ends_a_run_that_does_not_get_better(house: Path, tmp_path: Path) -> None:
    extra = ["training.encoder_lr=0", "training.head_lr=0", "training.crf_lr=0", "training.patience_epochs=1"]
    facts = fit(settings(house, *extra), tmp_path / "run")
    assert facts["epochs"] == 2 and facts["best_epoch"] == 1


def test_each_part_has_its_own_learning_rate(house: Path) -> None:
    config = settings(house)
    expert = make_expert(config.encoder, config.model, LabelSet("ner", ("O", "B-X", "I-X")))
    groups = {group["name"]: group for group in parameter_groups(expert, config.training)}
    assert groups["crf, no decay"]["peak_lr"] == 1e-2 and len(groups["crf, no decay"]["params"]) == 3
    assert groups["encoder"]["peak_lr"] == 3e-3 and groups["head, no decay"]["weight_decay"] == 0
    count = sum(len(group["params"]) for group in groups.values())
    assert count == len(list(expert.parameters()))


def test_seeds_give_mean_and_deviation(house: Path, tmp_path: Path) -> None:
    values = fit_seeds(settings(house, "training.epochs=2"), tmp_path / "runs", [1, 2])
    first, second = values["test_f1"]["each"]
    assert values["test_f1"]["mean"] == pytest.approx((first + second) / 2)
    assert values["test_f1"]["deviation"] == pytest.approx(abs(first - second) / 2**0.5)
    assert (tmp_path / "runs" / "seed-2" / "best").is_dir()


def test_a_sentence_longer_than_the_window_gets_o_at_its_end_and_is_counted(house: Path, tmp_path: Path) -> None:
    raw = tmp_path / "long.jsonl"
    tokens = ["anna", "saw", *["the"] * 100, "rome"]
    raw.write_text(json.dumps({"tokens": tokens}) + "\n" + json.dumps({"text": "anna went to rome"}) + "\n")
    rows = predict_rows(house / "runs" / "baseline", raw)
    assert len(rows[0]["tags"]) == 103 and rows[0]["tags"][-1] == "O"
    assert rows[1]["tokens"] == ["anna", "went", "to", "rome"]


def test_a_run_without_best_and_a_checkpoint_with_other_labels_are_clear_errors(house: Path, tmp_path: Path) -> None:
    import shutil

    from schemas.dataset import write_dataset

    shutil.copytree(house / "runs" / "baseline", tmp_path / "run")
    samples = {split: make_tweets(6, split, 1) for split in ("train", "dev", "test")}
    changed = {
        split: [replace(s, tags=tuple(tag.replace("PER", "ORG") for tag in s.tags or ())) for s in rows]
        for split, rows in samples.items()
    }
    write_dataset(tmp_path / "org", changed, name="x", task="ner", labels=["LOC", "ORG"], inputs=[], counters={})
    with pytest.raises(InputError, match="other labels: the data has ORG"):
        predict_rows(tmp_path / "run", tmp_path / "org")
    with pytest.raises(InputError, match="for ner, the data for re"):
        predict_rows(tmp_path / "run", house / "pairs")
    shutil.rmtree(tmp_path / "run" / "best")
    shutil.rmtree(tmp_path / "run" / "posteriors", ignore_errors=True)
    with pytest.raises(InputError, match=r"no best/.*same mie-train fit again"):
        evaluate_run(tmp_path / "run", "dev")


def test_unknown_tags_and_caches_of_other_samples_are_errors(house: Path, tmp_path: Path) -> None:
    from schemas.dataset import write_dataset

    samples = {split: make_tweets(6, split, 5) for split in ("train", "dev", "test")}
    write_dataset(tmp_path / "other", samples, name="x", task="ner", labels=["LOC"], inputs=[], counters={})
    with pytest.raises(InputError, match="unknown tag 'B-PER'"):
        fit(settings(house, f"data.samples={tmp_path / 'other'}"), tmp_path / "a")
    with pytest.raises(IndexMismatch, match="made for other samples"):
        fit(settings(house, *TEXT(house), f"data.samples={tmp_path / 'other'}"), tmp_path / "b")
    with pytest.raises(UsageError, match="no cache has the source 'caption'"):
        fit(settings(house, f"data.contexts={house / 'contexts'}", "data.sources=caption"), tmp_path / "c")


def test_a_folder_without_safetensors_and_a_window_too_long_are_errors(house: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no encoder can be loaded"):
        (tmp_path / "empty").mkdir()
        load_encoder(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="takes 64"):
        fit(settings(house, "encoder.max_length_pieces=65"), tmp_path / "run")
