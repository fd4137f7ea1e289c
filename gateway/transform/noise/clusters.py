"""Rounds of k-means with noise, by diffprivlib's class but for one step.

diffprivlib 0.6.6 leaves the centre of an empty cluster where it was, without noise. Whether a
cluster is empty can hang on one person, and so would be told for certain. It also takes the two
shares of ε for each other, which together are more than ε from five features on. Here every centre
is made of a noisy count and noisy sums in every round, each with its own share.
"""

import numpy as np
from diffprivlib.mechanisms import GeometricFolded, LaplaceBoundedDomain
from diffprivlib.models import KMeans

from gateway.transform.noise.chance import Doubles, Integers


class _EveryCluster(KMeans):  # type: ignore[misc]
    def _update_centers(
        self,
        X: Doubles,  # noqa: N803 - the overridden method's name
        centers: Doubles,
        labels: Integers,
        dims: int,
        total_iters: int,
        random_state: object,
    ) -> Doubles:
        share, count_share = self._split_epsilon(dims, total_iters)
        counted = GeometricFolded(
            epsilon=count_share, lower=0.5, upper=float("inf"), random_state=random_state
        )
        for cluster in range(self.n_clusters):
            members = X[labels == cluster]
            count = counted.randomise(len(members))
            for at in range(dims):
                summed = LaplaceBoundedDomain(
                    epsilon=share,
                    sensitivity=2,  # of a range from -1 to 1
                    lower=-count,
                    upper=count,
                    random_state=random_state,
                )
                centers[cluster, at] = summed.randomise(float(members[:, at].sum())) / count
        return centers


def cluster_centres(x: Doubles, clusters: int, epsilon: float) -> Doubles:
    """Centres of shape (clusters, features); ``x``: doubles from -1 to 1."""
    ends = np.ones(x.shape[1])
    fitted = _EveryCluster(clusters, epsilon=epsilon, bounds=(-ends, ends)).fit(x)
    return np.asarray(fitted.cluster_centers_, dtype=np.float64)
