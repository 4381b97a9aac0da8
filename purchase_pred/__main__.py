"""`python -m purchase_pred` is the command `purchase-pred`."""

from purchase_pred_cli import main

if __name__ == "__main__":
    main()
