"""Phase 1 read from a file, phase 2 by contributions, and every way to cheat in either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, InvalidInput
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.proving.groth16.keys import ProvingKey, proving_document, proving_from, verifying_document, verifying_from
from oracle.proving.groth16.network import IntegerNetwork, Matrix
from oracle.proving.groth16.phase1 import read_phase1
from oracle.proving.groth16.phase2 import Contribution, check_key, contribute, contribution_from, transcript_hash
from oracle.proving.groth16.points import add, multiply, twist_multiply
from oracle.proving.groth16.prover import prove, verify
from oracle.proving.groth16.setup import Secrets, key_from_phase1, key_from_secrets
from oracle.proving.srs.curve import G1
from tests.support.groth16_ceremony import PreparedCeremony, ptau

SECRETS = Secrets(0x1234567, 0x89ABCDE, 0xF0123456, 1)
CIRCUIT = NetworkCircuit(IntegerNetwork(1, 2, 4, (Matrix(((3,), (-1,))),)), (3,))
SIZE = 32


@pytest.fixture(scope="module")
def sections() -> dict[int, bytes]:
    return PreparedCeremony(SECRETS, 6).sections()


@pytest.fixture(scope="module")
def foreign() -> dict[int, bytes]:
    """The sections of other secrets."""
    return PreparedCeremony(replace(SECRETS, tau=77, alpha=78, beta=79), 6).sections()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, sections: dict[int, bytes]) -> Path:
    path = tmp_path_factory.mktemp("ceremony") / "small.ptau"
    path.write_bytes(ptau(sections))
    return path


@pytest.fixture(scope="module")
def initial(file: Path) -> ProvingKey:
    return key_from_phase1(CIRCUIT.build()[0], read_phase1(file, SIZE))


@pytest.fixture(scope="module")
def made(initial: ProvingKey) -> tuple[ProvingKey, list[Contribution]]:
    key, contributions = initial, []
    for name in ("one", "two"):
        key, one = contribute(initial, key, contributions, name)
        contributions.append(one)
    return key, contributions


def test_key_from_phase1__file_of_known_secrets__is_the_key_of_those_secrets(initial):
    assert initial == key_from_secrets(CIRCUIT.build()[0], SECRETS)


def test_read_phase1__size_of_another_circuit__refused(file, tmp_path):
    with pytest.raises(InvalidInput, match=r"reaches 2\^6"):
        read_phase1(file, 128)
    other = tmp_path / "other"
    other.write_bytes(b"zkey" + bytes(100))
    with pytest.raises(InvalidInput, match=r"no \.ptau"):
        read_phase1(other, SIZE)


@pytest.mark.parametrize("section", [4, 5, 6, 12, 13, 14, 15])
def test_read_phase1__section_missing__refused(sections, tmp_path, section):
    path = tmp_path / "cut.ptau"
    path.write_bytes(ptau({number: data for number, data in sections.items() if number != section}))
    with pytest.raises(InvalidInput, match=f"no section {section}"):
        read_phase1(path, SIZE)


@pytest.mark.parametrize("section", [2, 3, 4, 5, 6, 12, 13, 14, 15])
def test_read_phase1__points_of_other_secrets__refused(sections, foreign, tmp_path, section):
    path = tmp_path / "mixed.ptau"
    path.write_bytes(ptau({**sections, section: foreign[section]}))
    with pytest.raises(InvalidInput):
        read_phase1(path, SIZE)


@pytest.mark.parametrize("section", [2, 4, 12])
def test_read_phase1__point_off_the_curve__refused(sections, tmp_path, section):
    damaged = bytearray(sections[section])
    damaged[64 * (3 if section == 4 else SIZE + 3)] ^= 1
    path = tmp_path / "damaged.ptau"
    path.write_bytes(ptau({**sections, section: bytes(damaged)}))
    with pytest.raises(InvalidInput):
        read_phase1(path, SIZE)


def test_check_key__honest_contributions__accepted_and_proofs_verify(initial, made):
    key, contributions = made
    check_key(initial, key, contributions)
    builder, layout, outputs = CIRCUIT.build([-5])
    assert outputs == [-15, 5]
    proof = prove(key, builder)
    words = layout.pack([-5, *outputs])
    assert verify(key.verifying, words, proof)
    assert not verify(key.verifying, layout.pack([-5, -15, 4]), proof)


def test_check_key__no_contribution__refused(initial):
    with pytest.raises(ArtifactMismatch, match="nobody contributed"):
        check_key(initial, initial, [])


def test_verifying_from__delta_never_contributed_to__refused(initial):
    with pytest.raises(ArtifactMismatch, match="anybody can forge"):
        verifying_from(verifying_document(initial.verifying))


def test_check_key__contribution_left_out_or_swapped__refused(initial, made):
    key, contributions = made
    for wrong in (contributions[:1], contributions[1:], contributions[::-1], [*contributions, contributions[1]]):
        with pytest.raises(ArtifactMismatch):
            check_key(initial, key, wrong)


def test_check_key__proof_of_knowledge_forged_or_renamed__refused(initial, made):
    key, contributions = made
    last = contributions[-1]
    for wrong in (replace(last, response=last.response + 1), replace(last, name="three"), replace(last, commitment=G1)):
        with pytest.raises(ArtifactMismatch, match="does not hold"):
            check_key(initial, key, [contributions[0], wrong])


def test_check_key__delta_differs_between_groups__refused(initial, made):
    key, contributions = made
    twist = twist_multiply(5, contributions[-1].after_twist)
    wrong = replace(contributions[-1], after_twist=twist)
    with pytest.raises(ArtifactMismatch):
        check_key(initial, replace(key, verifying=replace(key.verifying, delta=twist)), [contributions[0], wrong])


def test_check_key__any_part_changed__refused(initial, made):
    key, contributions = made
    moved = multiply(3, key.quotient[2])
    assert moved is not None
    private = tuple(add(one, G1) if index == 6 else one for index, one in enumerate(key.private))
    for wrong in (
        replace(key, quotient=(*key.quotient[:2], moved, *key.quotient[3:])),
        replace(key, private=private),
        replace(key, verifying=replace(key.verifying, words=(key.verifying.words[1], *key.verifying.words[1:]))),
        replace(key, verifying=replace(key.verifying, alpha=G1)),
        replace(key, left=(G1, *key.left[1:])),
    ):
        with pytest.raises(ArtifactMismatch):
            check_key(initial, wrong, contributions)


def test_documents__round_trip__the_same(made, initial):
    key, contributions = made
    assert proving_from(proving_document(key)) == key
    assert [contribution_from(one.document()) for one in contributions] == contributions
    assert transcript_hash(initial, contributions) != transcript_hash(initial, contributions[:1])
