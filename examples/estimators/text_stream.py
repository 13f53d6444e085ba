"""
Text as a stream
================

Documents that come in chunks, hashed into 262,144 columns, learned in one pass: no
vocabulary, no second look at the data, and never more than a chunk in memory.
"""

import pickle

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from skgd import GDClassifier

# %%
# Documents are generated: words are drawn with the frequencies of Zipf's law, and each
# of four topics prefers some words.

TOPICS = np.array(["garden", "kitchen", "music", "sea"])
VOCABULARY = np.array([f"word{i}" for i in range(5000)])
rng = np.random.default_rng(0)
common = 1 / np.arange(1, 5001)
weights = common * np.exp(rng.normal(scale=0.5, size=(4, 5000)))
cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
cumulative[:, -1] = 1


def chunks(n_chunks, size=250):
    """Yield chunks of documents with their topics."""
    for _ in range(n_chunks):
        topics = rng.integers(4, size=size)
        draws = [rng.random(rng.integers(10, 40)) for _ in range(size)]
        documents = [
            " ".join(VOCABULARY[np.searchsorted(cumulative[topic], draw)])
            for topic, draw in zip(topics, draws, strict=True)
        ]
        yield documents, TOPICS[topics]


documents, topics = next(chunks(1))
print(topics[0], ":", documents[0][:70], "…")

# %%
# ``HashingVectorizer`` has nothing to learn, so that a chunk can be transformed as it
# comes. The model gets sparse rows with 2¹⁸ columns; AdaGrad touches only the weights
# of the words that are there. Each chunk is first a test, then a lesson: an honest
# estimate without data held back.

vectorizer = HashingVectorizer(n_features=2**18)
model = GDClassifier(optimizer="adagrad", random_state=0)
accuracy, seen = [], []
for documents, topics in chunks(24):
    X = vectorizer.transform(documents)
    if seen:
        accuracy.append(model.score(X, topics))
    model.partial_fit(X, topics, classes=TOPICS)
    seen.append(len(topics) + (seen[-1] if seen else 0))

print(f"{seen[-1]} documents, {model.t_} updates, coef_ {model.coef_.shape}")
print(f"accuracy on the last five chunks: {np.mean(accuracy[-5:]):.3f}")

# %%
plt.plot(seen[:-1], accuracy, "o-")
plt.axhline(0.25, color="0.6", linestyle="--", label="guessing")
plt.xlabel("Documents learned")
plt.ylabel("Accuracy on the next 250")
plt.ylim(0.2, 1)
plt.legend()
plt.show()

# %%
# The model can be pickled between two chunks and goes on as if nothing had happened:
# the memory of the optimizer and the count of its steps are part of it.

revived = pickle.loads(pickle.dumps(model))
documents, topics = next(chunks(1))
X = vectorizer.transform(documents)
model.partial_fit(X, topics)
revived.partial_fit(X, topics)
print(np.array_equal(model.coef_, revived.coef_))
