"""Deep residual attention on RML: gate, perceptron, learning rate (Zhao et al., IETE Technical Review 2021).

Published: nothing that is openly available. Space and settings are those of `deep_residual_attention_baum1s`, and what is said
there of their source holds here. Folds: one of 8 speakers left out at a time; a search locks 2 of them away before, and
the folds that would test these fall away. Not measured here yet: the data needs its owners' licence.

    python tune.py run deep_residual_attention_rml --data-root RML --num-samples 30
    python tune.py run deep_residual_attention_rml --smoke
"""

import dataclasses

from search_spaces import deep_residual_attention_baum1s

STUDY = dataclasses.replace(
    deep_residual_attention_baum1s.STUDY,
    dataset="rml",
    registered_model="rml",
)
