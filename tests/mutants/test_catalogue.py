"""The deliberate faults still fit the engine: a list that has rotted would test nothing."""

import pytest

from mutants.catalogue import MUTANTS, SOURCES, Mutant, suite_for


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_fault_is_one_change_of_one_place(mutant: Mutant) -> None:
    assert mutant.occurrences() == 1
    assert mutant.right != mutant.wrong


def test_faults_have_names_of_their_own_and_tests_that_exist() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    for mutant in MUTANTS:
        assert all((SOURCES.parent / test).exists() for test in suite_for(mutant.module))
