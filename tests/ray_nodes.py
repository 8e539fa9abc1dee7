"""A Ray cluster of nodes of one processor each on this machine, in a process of its own: ``python ray_nodes.py NODES``.

It prints its address, and a line for each command that it is given: ``kill NODE`` (0 is the head), ``alive NODES`` and ``free``.
"""

import sys
import time

import ray
from ray.cluster_utils import Cluster


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes = [cluster.head_node, *(cluster.add_node(num_cpus=1) for _ in range(int(sys.argv[1]) - 1))]
    print(cluster.address, flush=True)
    for line in sys.stdin:
        match line.split():
            case ["kill", number]:
                nodes[int(number)].kill_all_processes(check_alive=False, allow_graceful=False)
                print("killed", flush=True)
            case ["alive", number]:  # once the cluster knows that so many nodes are
                ray.init(address=cluster.address, log_to_driver=False, configure_logging=False)
                while sum(node["Alive"] for node in ray.nodes()) != int(number):
                    time.sleep(0.1)
                ray.shutdown()
                print("alive", flush=True)
            case ["free"]:  # processors, once that has not changed for a second
                ray.init(address=cluster.address, log_to_driver=False, configure_logging=False)
                found = []
                while len(set(found[-5:])) != 1 or len(found) < 5:
                    found.append(ray.available_resources().get("CPU", 0))
                    time.sleep(0.2)
                ray.shutdown()
                print(found[-1], flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
