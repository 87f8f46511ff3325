import pytest

pytest.register_assert_rewrite("tests.contract.crm_contract", "tests.contract.outreach_contract")
