"""A second proof system for small networks: arithmetic circuits of constant weights, proved with Groth16."""
